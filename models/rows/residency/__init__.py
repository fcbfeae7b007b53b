"""Statements about which replicas stay loaded. Used by the gateway, worker and steward processes."""
