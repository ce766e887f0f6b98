# For people. Everything real is in CMake and in the program `fairlead`.
.DEFAULT_GOAL := help
fairlead := build/release/engine/cli/fairlead

help: ## What there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## Install the Debian packages that are missing
	@tools/setup

build: setup ## Build the program and the services, optimised
	@test -f build/release/build.ninja || cmake --preset release >/dev/null
	@cmake --build build/release --target fairlead services

up: build ## Build what is missing and start the cluster on this machine
	@$(fairlead) up

down: ## Stop it
	@test ! -x $(fairlead) || $(fairlead) down

status: ## What runs
	@test -x $(fairlead) || { echo "nothing was built yet: make up"; exit 1; }
	@$(fairlead) status

demo: build ## Ship a good version, then a bad one
	@$(fairlead) demo

test: setup ## All tests
	@tools/test

render: ## Render the manifests of every environment with Helm
	@tools/render

lint: setup ## clang-tidy and clang-format
	@tools/lint

clean: down ## Remove what was built, and the state of the cluster
	@rm -rf build .fairlead

.PHONY: help setup build up down status demo test render lint clean
