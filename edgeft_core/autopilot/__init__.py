"""When a run collapses: try the likeliest fixes beside it, go back, go on with the first that is proven. Without torch.

``record`` is what is kept of it with a run, ``turns`` decides, ``pilot`` sees and does, ``switch`` is for people.
"""
