"""Control: the gRPC services for accounts, catalogue, jobs and playback, and the database behind them."""
