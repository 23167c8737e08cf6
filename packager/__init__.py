"""Pure packaging: samples and timelines in, CMAF files, an asset index, HLS and DASH out.

No network, no clock, no database.
"""
