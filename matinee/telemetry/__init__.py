"""What services tell of themselves to who runs them: logs, measures, traces, and whether they are ready."""
