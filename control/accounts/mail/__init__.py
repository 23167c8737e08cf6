"""Mail: the letters that accounts get, and how they are sent."""
