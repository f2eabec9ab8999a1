"""Pieces of the interface that pages share; the only place besides pages/ that imports Streamlit."""
