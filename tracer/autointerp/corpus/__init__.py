"""The corpus that features are described with: where its texts come from and how they are cut."""
