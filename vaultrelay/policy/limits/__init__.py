"""Every limit and deadline of the relay, each with its reason, by topic.

Sizes are bytes and times are seconds, unless the name says otherwise. What an operator can change
is a default here; `Settings` holds the value in force.
"""
