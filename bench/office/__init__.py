"""Office at national scale."""
