"""Forms: the typed fields that a notice asks its recipients to answer (答复)."""
