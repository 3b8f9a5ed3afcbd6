"""Clean-room versions of the names that an XSOAR server puts in front of pack code, by subject.

Pack code gets them all from `CommonServerPython`, in the `shims` folder beside this one.
"""
