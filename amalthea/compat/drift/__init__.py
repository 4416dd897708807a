"""Scripts of Python 2 and of older NumPy, SciPy and scikit-learn, as they are: ``amalthea run --drift script.py``.

The script is rewritten in memory before it runs, and so are the modules beside it that it imports; files stay as they
are, and so does everything that other modules see. The numbers of lines stay too.

| file | contents |
|---|---|
| ``tables.py`` | names of old and of today, as plain data |
| ``python2.py`` | the syntax of Python 2, by fissix |
| ``signs.py`` | whether a script is of Python 2 |
| ``names.py``, ``rewriting.py``, ``sizes.py``, ``tools.py`` | the pass over the syntax tree |
| ``helpers.py``, ``met.py`` | what a rewritten script calls; what it had |
| ``running.py`` | the script and the modules beside it |
| ``hints.py`` | errors that would not be there with ``--drift`` |
| ``old_builtins.py``, ``old_python.py``, ``old_strings.py``, ``old_urllib.py`` | Python 2's library |
| ``old_numpy.py``, ``old_scipy.py``, ``old_sklearn.py``, ``old_six.py`` | what those libraries dropped |
"""
