//! Trace 11: Jira's automation turns High into Low, PagerDuty's turns low into high, and both fields are shared.
