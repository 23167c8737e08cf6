"""What may be declared of a film that is uploaded: limits that the client, edge and control share."""

import re

LONGEST_TITLE = 200
"""Characters of a title's name."""
LONGEST_FILE_NAME = 255
"""Characters of a file's name."""
SHA256 = re.compile(r"[0-9a-f]{64}")
"""A SHA-256 in hex, as we write it."""
