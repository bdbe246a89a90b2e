"""The results folder, and the only room that touches it: tables, parts and their commit, provenance."""

from ttc.store.folder import Folder, Part
from ttc.store.writer import PartWriter
