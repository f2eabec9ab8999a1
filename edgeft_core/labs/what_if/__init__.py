"""The What-if lab: what other settings of the head would make of embeddings that are there. Plain numpy.

The same formulas are in ``ui/what_if/frontend/computing.js``, where sliders need them; a test holds both equal.

Shapes: N images, C classes, D coordinates. ``cos_NC`` are cosines of embeddings and class weights.
"""
