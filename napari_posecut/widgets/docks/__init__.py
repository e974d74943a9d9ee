"""One dock per stage of the work, in its order; `napari.yaml` lists them."""
