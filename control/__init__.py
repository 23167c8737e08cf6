"""The gRPC services that decide: accounts, titles, jobs, playback; the database is theirs alone."""
