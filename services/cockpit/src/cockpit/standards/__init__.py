"""Policy standards (政策标准): how much a programme pays, in versions with days, document and certainty."""
