"""CSV, TSV, Parquet and frames: columns recognised, encoded, standardised."""
