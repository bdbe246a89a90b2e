"""The results folder, and the only room that touches it: tables, parts and their commit, provenance."""

from ttc.store.folder import DAMAGED, Folder
from ttc.store.parts import Part, seal
from ttc.store.records import CellRecord
from ttc.store.writer import PartWriter
