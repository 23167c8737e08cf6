"""What was watched, how well it played, and what to watch next."""
