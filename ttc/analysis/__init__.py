"""What a person sees of a readout: tables, plots, comparisons. Reads rows; difficulty.py also pools."""
