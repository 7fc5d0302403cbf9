"""The style sheet of the public pages for people."""

STYLE = """
:root { color-scheme: light dark }
body { font: 1.0625rem/1.55 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto 4rem;
  padding: 0 1.25rem }
h1 { font-size: 1.5rem; margin: 0 0 1rem }
h2 { font-size: 1.125rem; margin: 2rem 0 .5rem }
code { display: block; font: 1.125rem/1.4 ui-monospace, monospace; padding: .75rem 1rem;
  border: 1px solid; border-radius: .5rem; overflow-wrap: anywhere; user-select: all }
small { opacity: .75 }
li { margin: .5rem 0 }
ul { padding-left: 1.25rem }
button { font: inherit; font-size: .9375rem; padding: .25rem 1rem; margin-top: .6rem;
  color: inherit; background: none; border: 1px solid; border-radius: .5rem; cursor: pointer }
.code { margin: 1.5rem 0; text-align: center }
.code svg { width: 13rem; max-width: 100%; border-radius: .5rem; display: block;
  margin: 0 auto .5rem }
"""
