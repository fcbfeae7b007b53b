"""One job, from a form or a JSON body to the answer of the request that waits for it. Runs in the gateway process.

Doors: ``endpoint``, of which the routes of images and sound are made; ``preparation``, which makes a job from a
request; ``waiting``, which submits it and answers when it is over; ``results``, the answer of a job that is over;
``views``, a job as clients see it; ``cancelling``, which stops one; ``request_files``, which takes in the files of a
request; ``hosted``, what the protocols of hosting services share.
"""
