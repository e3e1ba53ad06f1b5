"""Maps of more rows than one wants in memory: 1,000,000 rows on disk, and sparse counts, beside other methods."""
