"""Tables of people: CSV and Parquet files in, and out.

Order of reading: `table_options` (columns and numbers as they are written), `csv_rows` (lines → cells), `kinds` (which
columns are numbers, which categories), `csv` (cells → features and labels), `parquet` (pyarrow, if it is installed).
Out: `tables_out` (rows as CSV, JSON or Parquet), `export_output` (the file, and how far an export is).
"""
