"""What every night's process imports: loaded once by the server that forks them."""

import great_expectations
import splink

import loaders.backup
import loaders.catalog
import loaders.curation
import loaders.declarations
import loaders.landing
import loaders.publication
import loaders.reports
import loaders.staging
import pipeline.catalog
import pipeline.feed
import pipeline.judging
import transforms.assessment
import transforms.gate
import transforms.match
import transforms.merge
import transforms.rules

__all__ = ["great_expectations", "loaders", "pipeline", "splink", "transforms"]
