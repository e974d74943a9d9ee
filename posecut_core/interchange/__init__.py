"""Labels and poses in the files of other programs: the registry of formats, a module per family of them."""
