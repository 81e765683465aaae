//! The console in process, for tests: a browser that keeps cookies and posts forms as a page would.
