"""
A table as it comes
===================

Ids, dates, categories, blanks and different units: :class:`drlim.Table` makes numbers of them and says what it did.
"""

import numpy as np
from sklearn.pipeline import make_pipeline

import drlim

rng = np.random.default_rng(0)
group = np.arange(600) % 3
city_shares = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
table = {
    "customer_id": [f"C{10000 + number}" for number in range(600)],
    "since": [f"20{20 + g}-03-{1 + number % 28:02d}" for number, g in enumerate(group)],
    "income": rng.normal(np.array([24000, 52000, 61000])[group], 4000).round(),
    "visits": [None if number % 40 == 7 else int(rng.poisson((2, 9, 4)[g])) for number, g in enumerate(group)],
    "city": [str(rng.choice(["Oslo", "Bergen", "Tromso"], p=city_shares[g])) for g in group],
}

model = make_pipeline(drlim.Table(), drlim.NeighborMap(max_epochs=8, random_state=0))
Z = model.fit_transform(table)
print(model[0].describe())

# %%
# Rows of one city and of one of the three kinds of customers that the table was made of lie together.

ax = drlim.plotting.plot_embedding(Z, table["city"], key_title="city")
