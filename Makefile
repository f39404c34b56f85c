# minimio and its book. 'make help' says what can be made.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
BOOK      := book
CHAPTERS  := $(BOOK)/preface.md $(sort $(wildcard $(BOOK)/[0-9][0-9]-*.md))
RECORDED  := $(wildcard $(BOOK)/recorded/* $(BOOK)/reports/*)
FIGURES   := $(wildcard $(BOOK)/figures/*.svg)
TOOLS     := tangle/tangle tangle/check tangle/check.awk tangle/provenance.awk
WEAVE     := build/weave
WEB       := build/web

# Programs are built from generated/, or, with lines=1, from a tree whose
# #line directives lead compiler and debugger into the chapters.
lines     ?= 0
ifeq ($(lines),1)
SOURCE    := build/lines
OBJECTS   := build/obj-lines
else
SOURCE    := generated
OBJECTS   := build/obj
endif
BIN       := build/bin
CC        ?= cc
ifeq ($(origin CC),default)
CC        := cc
endif
CFLAGS    ?= -O2 -g
WARNINGS  := -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion
INCLUDES  := -I$(SOURCE)/include -I$(SOURCE)/examples
KERNEL    := $(if $(filter Windows_NT,$(OS)),Windows,$(shell uname -s))
ifeq ($(KERNEL),Windows)
EXE       := .exe
LDLIBS    ?= -lws2_32
else
LDLIBS    ?= -pthread
endif

# Programs in a folder are for some systems only; kqueue's run on Linux too, on a model.
FOLDERS_Linux   := epoll linux kqueue posix
FOLDERS_Windows := iocp windows
FOLDERS   := $(or $(FOLDERS_$(KERNEL)),kqueue posix)
MODEL     := $(if $(filter Linux,$(KERNEL)),tests/kqueue)

# What 'setup' installs, everything else may need.
SETUP     := $(filter setup setup-tests,$(MAKECMDGOALS))

.PHONY: all help setup setup-tests tangle programs book pdf epub serve demo chapters bench-counts record behaviours check test soak mutants coverage bench clean

all: demo                ## tools, tangle, library and examples, the web book, a demo
	@if command -v notangle > /dev/null && command -v pandoc > /dev/null; then \
		$(MAKE) --no-print-directory book && echo "The book: $(CURDIR)/$(WEB)/index.html"; \
	else \
		echo "noweb or pandoc is not installed: the book is not woven"; \
	fi

help:                    ## this list
	@echo "make [TARGET] [lines=1] [force=1]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

setup:                   ## install what building needs, with the system's packages
	@tangle/setup build

setup-tests: setup       ## install what the tests need
	@tangle/setup tests

# --- from chapters to programs ---------------------------------------------

tangle: build/tangled-$(lines)   ## generated/ from the chapters; the library and the examples from it
	@$(MAKE) --no-print-directory programs

build/tangled-0: $(CHAPTERS) $(TOOLS) | $(SETUP)
	@mkdir -p build
	@if command -v notangle > /dev/null; then \
		tangle/tangle $(if $(force),-f) -o generated $(CHAPTERS) && touch $@; \
	else \
		echo "noweb is not installed: building from generated/ as committed"; \
	fi

build/tangled-1: $(CHAPTERS) $(TOOLS) | $(SETUP)
	@mkdir -p build
	@tangle/tangle -L -f -o build/lines $(CHAPTERS)
	@touch $@

LIBRARY   := $(patsubst $(SOURCE)/%.c,$(OBJECTS)/%.o,$(wildcard $(SOURCE)/src/*.c))
COMMON    := $(patsubst $(SOURCE)/%.c,$(OBJECTS)/%.o,$(wildcard $(SOURCE)/examples/common/*.c))
PROGRAMS  := $(wildcard $(foreach d,examples labs,$(SOURCE)/$(d)/*.c $(FOLDERS:%=$(SOURCE)/$(d)/%/*.c)))
BUILT     := $(patsubst %.c,$(BIN)/%$(EXE),$(notdir $(PROGRAMS)))

ARCHIVE   := $(if $(LIBRARY),$(OBJECTS)/libminimio.a)

programs: $(ARCHIVE) $(BUILT)
	@:

$(OBJECTS)/libminimio.a: $(LIBRARY)
	@$(AR) rcs $@ $^

ifneq ($(MODEL),)
$(OBJECTS)/examples/kqueue/%.o $(OBJECTS)/labs/kqueue/%.o $(OBJECTS)/model.o: INCLUDES += -I$(MODEL)
$(OBJECTS)/model.o: $(MODEL)/kqueue.c
	@mkdir -p $(@D)
	@$(CC) $(WARNINGS) $(CPPFLAGS) $(INCLUDES) $(CFLAGS) -MMD -MP -c $< -o $@
endif

$(OBJECTS)/%.o: $(SOURCE)/%.c
	@mkdir -p $(@D)
	@$(CC) $(WARNINGS) $(CPPFLAGS) $(INCLUDES) $(CFLAGS) -MMD -MP -c $< -o $@

define program
$(BIN)/$(notdir $(1))$(EXE): $(OBJECTS)/$(1).o $(COMMON) $(ARCHIVE) $(and $(MODEL),$(findstring /kqueue/,$(1)),$(OBJECTS)/model.o)
	@mkdir -p $(BIN)
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $$@ $$^ $(LDLIBS)
endef
$(foreach p,$(patsubst $(SOURCE)/%.c,%,$(PROGRAMS)),$(eval $(call program,$(p))))
-include $(shell find $(OBJECTS) -name '*.d' 2> /dev/null)

# --- the library, for other programs ------------------------------------------

# DESTDIR goes before all folders, for who packs. One set of objects serves both libraries.
PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
PACKAGE    := build/package
HEADER     := generated/include/minimio.h
ABI         = $(shell sed -n 's/^.define MIO_VERSION *\([0-9][0-9]*\).*/\1/p' $(HEADER))
PARTS      := $(patsubst generated/src/%.c,$(PACKAGE)/%.o,$(wildcard generated/src/*.c))
PARTFLAGS  := -fPIC -fvisibility=hidden -Itangle/exports
ifeq ($(KERNEL),Darwin)
SHAREDLIB   = libminimio.$(ABI).dylib
SHARE       = -dynamiclib -install_name $(LIBDIR)/$(SHAREDLIB)
else
SHAREDLIB   = libminimio.so.$(ABI)
SHARE       = -shared -Wl,-soname,$(SHAREDLIB)
endif
INSTALL     = DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' tangle/install

.PHONY: install uninstall package amalgamation FORCE
install: build/tangled-0 ## the library, into PREFIX (/usr/local), LIBDIR, INCLUDEDIR, below DESTDIR
	@if [ $(KERNEL) = Windows ]; then echo "install: not on Windows; take the sources, or the one file of 'make amalgamation'" >&2; exit 1; fi
	@$(MAKE) --no-print-directory package
	@$(INSTALL) $(PACKAGE) $(SHAREDLIB)

uninstall:               ## and away again
	@$(INSTALL) -u $(SHAREDLIB)

amalgamation: build/tangled-0   ## the library in one file, build/amalgamation/minimio.c, and its header
	@mkdir -p build/amalgamation
	@LC_ALL=C awk -v out=build/amalgamation -f tangle/amalgamate.awk LICENSE $(HEADER) generated/src/*.[ch]

package: $(PACKAGE)/libminimio.a $(PACKAGE)/$(SHAREDLIB)

# Other flags make other objects.
$(PACKAGE)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(KERNEL) $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS) $(LIBDIR)' > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(PACKAGE)/%.o: generated/src/%.c $(PACKAGE)/flags
	@$(CC) $(WARNINGS) $(CPPFLAGS) $(PARTFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(PACKAGE)/libminimio.a: $(PARTS)
	@rm -f $@
	@$(AR) rcs $@ $^

$(PACKAGE)/$(SHAREDLIB): $(PARTS)
	@$(CC) $(CFLAGS) $(LDFLAGS) $(SHARE) -o $@ $^ $(LDLIBS)
-include $(wildcard $(PACKAGE)/*.d)

# --- from chapters to pages --------------------------------------------------

book: build/tangled-0    ## the web book, build/web/index.html
	@tangle/weave prepare $(CHAPTERS)
	@$(MAKE) --no-print-directory pages

SHARED    := $(WEAVE)/facts $(WEAVE)/chunks.lua $(wildcard tangle/lua/*.lua) tangle/web/page.html \
             tangle/label.csl $(BOOK)/metadata.yaml tangle/weave
INDEX     := $(WEB)/chunks.html $(WEB)/identifiers.html $(WEB)/pitfalls.html $(WEB)/bibliography.html
WOVEN     := $(filter-out $(WEAVE)/preface.md,$(wildcard $(WEAVE)/*.md))
TEXT      := $(WEB)/index.html $(WOVEN:$(WEAVE)/%.md=$(WEB)/%.html)
LISTED    := $(shell sed 's/^[0-9]* [0-9]* //' generated/MANIFEST 2> /dev/null)
slash     := /
FILES     := $(foreach f,$(LISTED),$(WEB)/files/$(subst $(slash),-,$(f)).html)
ASSETS    := $(patsubst tangle/web/%,$(WEB)/%,$(filter-out tangle/web/page.html,$(wildcard tangle/web/*.* tangle/web/fonts/*)))

.PHONY: pages
pages: $(TEXT) $(INDEX) $(FILES) $(ASSETS) $(WEB)/book.html $(WEB)/search-index.js
	@cd $(WEB) && for page in *.html files/*.html; do \
		case " $(notdir $(TEXT) $(INDEX)) book.html $(FILES:$(WEB)/%=%) " in *" $$page "*) ;; *) rm -f "$$page" ;; esac; \
	done

$(WEB)/index.html: $(WEAVE)/preface.md $(SHARED) $(BOOK)/references.bib
	@tangle/weave page preface $@

$(filter-out $(WEB)/index.html,$(TEXT)): $(WEB)/%.html: $(WEAVE)/%.md $(SHARED) $(BOOK)/references.bib $(RECORDED) $(FIGURES)
	@tangle/weave page $* $@

$(INDEX): $(WEB)/%.html: $(SHARED) $(BOOK)/references.bib
	@tangle/weave page $* $@

define file_page
$(WEB)/files/$(subst $(slash),-,$(1)).html: generated/$(1) $(SHARED)
	@tangle/weave page files/$(subst $(slash),-,$(1)) $$@
endef
$(foreach f,$(LISTED),$(eval $(call file_page,$(f))))

$(WEB)/book.html: $(TEXT) $(INDEX)
	@tangle/weave whole $@

$(WEB)/search-index.js: $(TEXT)
	@tangle/weave search $@

$(ASSETS): $(WEB)/%: tangle/web/%
	@mkdir -p $(@D)
	@cp $< $@

pdf: build/tangled-0     ## build/book.pdf
	@tangle/weave prepare $(CHAPTERS)
	@$(MAKE) --no-print-directory build/book.pdf

epub: build/tangled-0    ## build/book.epub
	@tangle/weave prepare $(CHAPTERS)
	@$(MAKE) --no-print-directory build/book.epub

PRINTED   := $(wildcard $(WEAVE)/*.md) $(SHARED) $(BOOK)/references.bib $(RECORDED) $(FIGURES) tangle/print
build/book.pdf: $(PRINTED) $(wildcard tangle/pdf/*)
	@tangle/print pdf $@

build/book.epub: $(PRINTED) $(wildcard tangle/epub/*)
	@tangle/print epub $@

serve: book              ## the web book on a local port (PORT=8000)
	@tangle/serve $(WEB) $(or $(PORT),8000)

# --- running it --------------------------------------------------------------

demo: tangle             ## delayd and fan against each other
	@tangle/demo $(BIN)

chapters: build/tangled-0   ## does the book compile up to each chapter, on each system?
	@tangle/chapters $(CHAPTERS)

bench-counts: tangle     ## what a message costs, counted and not timed
	@mkdir -p build/counts
	@$(CC) -std=c11 -O2 -g -Igenerated/include -o build/counts/echo_minimio tests/counts/echo_minimio.c \
		generated/src/*.c -pthread
	@tests/counts/counts.sh build/counts/echo_minimio

record: tangle           ## run again what the book shows, and keep the outputs
	@tangle/record $(only)

behaviours:              ## run the suite again, and keep what it finds in the book and the README
	@sh tests/conformance.sh columns | grep -v -e '^ok - ' -e '^skip - ' -e '^not ok - behaviours: ' || true
	@tests/behaviours keep

check: | $(SETUP)        ## what authors get wrong, chapter and line; is generated/ the chapters'?
	@tangle/check $(CHAPTERS)
	@tangle/tangle -n -o generated $(CHAPTERS)

test: | $(SETUP)         ## every test; nothing tangles in place before generated/ was compared
	@$(MAKE) --no-print-directory programs
	@tests/run

# --- proving it: 'make test' runs a bounded form of each ----------------------

soak:                    ## failing calls and random programs, for long (MINUTES=30 for each backend, SEED)
	@tests/random/soak

mutants:                 ## break the library a line at a time: which breaks do the tests notice?
	@tests/mutants/mutants all

coverage:                ## which lines and branches of the library the tests run
	@tests/coverage/coverage keep

bench:                   ## minimio beside libuv, libev, libevent, mio and epoll by hand
	@tests/bench/bench keep

clean:                   ## remove what was made (generated/ stays)
	@rm -rf build
