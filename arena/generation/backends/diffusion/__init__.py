"""Pictures, edits and videos from diffusion models, by the library `diffusers`."""
