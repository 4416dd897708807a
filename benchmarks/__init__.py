"""What training costs here and elsewhere, and what our import costs; see README.md."""
