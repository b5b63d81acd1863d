"""What the demo sends: `stream` (records), `reviewer` (reviews of them), `shift` (a change of their features)."""
