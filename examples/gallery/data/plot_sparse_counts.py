"""
Word counts, as a sparse matrix
===============================

Documents are rows of a sparse matrix; a batch at a time is made dense, never all. Here each of six subjects prefers
words of its own, among 3000.
"""

import numpy as np
from scipy import sparse

import drlim

rng = np.random.default_rng(0)
n_documents, n_words, n_subjects = 600, 3000, 6
subject = np.arange(n_documents) % n_subjects
preference = rng.gamma(0.05, size=(n_subjects, n_words)) + 0.002
counts = np.stack([rng.multinomial(80, row / row.sum()) for row in preference[subject]])
documents = sparse.csr_array(counts.astype(np.float32))
print(f"{documents.nnz / np.prod(documents.shape):.3f} of the values are not zero")

model = drlim.NeighborMap(metric="cosine", max_epochs=10, random_state=0).fit(documents)
ax = drlim.plotting.plot_embedding(model.embedding_, subject, key_title="subject")
