"""What models answer with text, sound and pictures, whole and as events. Used by the gateway process."""
