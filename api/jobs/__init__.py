"""One job, from a form or a JSON body to the answer that waits for it. Runs in the gateway process.

Doors: ``endpoint``, which the routes of images and sound are made of; ``preparation``, which makes a job of a
request; ``waiting``, which answers when the job is over; ``views``, what clients see of a job.
"""
