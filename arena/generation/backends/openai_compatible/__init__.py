"""Servers that speak the OpenAI form of HTTP: vLLM, TGI, Ollama, llama.cpp, a vendor. Chat, streamed, and pictures."""
