"""What happened to models, retries, and the order of coming back: ``models.rows.life`` on both databases."""
