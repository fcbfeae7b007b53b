"""What tests need beside pytest: servers, weights, pictures and sounds, a wire that can be cut, a hub."""
