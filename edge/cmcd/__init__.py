"""What players report of themselves: Common Media Client Data, versions 1 (CTA-5004) and 2 (CTA-5004-B)."""
