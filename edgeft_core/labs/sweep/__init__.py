"""The sweep: many heads trained at once on the embeddings of one frozen backbone.

``axes``, ``heads``, ``base``, ``marks`` and ``edge`` load without torch; ``training`` and what it uses need it.
"""
