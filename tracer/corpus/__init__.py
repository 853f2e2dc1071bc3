"""A corpus for the embedded model, built from packages whose licences let short contexts of it be shipped."""
