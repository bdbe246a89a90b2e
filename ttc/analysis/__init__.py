"""What a person sees of a readout: tables and plots. Reads rows, never paths."""
