"""Maps of ordinary data: this library beside its peers, on the same samples and machine.

``python -m benchmarks.maps`` from the root of the repository fits each method on each data set and leaves
``runs/maps.json`` (all measurements), ``runs/maps.md`` (tables) and ``runs/maps.png`` (the maps themselves). ``make
bench-maps`` installs the peers first. A measurement that is in the file already is not repeated.

Each method fits the training samples, without their labels, with its default parameters, and then maps test samples.

- knn5: the share of test samples whose class is the most frequent one among the 5 training samples that are nearest to
  them on the method's own map;
- trust10: `drlim.metrics.trustworthiness` of the map of the test samples, 10 neighbours;
- fit, transform: seconds of wall time, and of processor time over all threads, after a warm-up in the same process that
  imports and compiles ("first");
- peak: by how much the process grows at most during the fit, beyond the data and what the warm-up left.

Each pair of a method and a data set has a process of its own. scikit-learn's t-SNE is absent because it cannot map new
samples.
"""
