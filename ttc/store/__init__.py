"""The results folder: tables, parts and their commit, provenance."""
