"""``import amalthea.compat.keras`` at the top of a script: from then on ``import keras`` means Amalthea."""

from amalthea.compat import eras, importer

importer.install(eras.in_environment() or 3)
