"""``import amalthea.compat.keras`` at the top of a script: from then on ``import keras`` means Amalthea.

The era is that of ``AMALTHEA_KERAS``, or found by signs in the script that Python runs.
"""

from amalthea.compat import eras, importer

importer.install(eras.of_main())
