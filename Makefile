# tracktwo. `make run` and `make test` need nothing but git, make and a Debian-like system; `make help` lists the rest.

VERSION   := 0.1.0
BUILD     ?= build
CC        ?= gcc
OPTIMIZE  ?= -O2
SANITIZE  ?=
SANITIZED := BUILD=build/sanitized OPTIMIZE=-O1 SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all'
JOBS      ?= $(shell nproc)

PACKAGES  := build-essential pkg-config libpq-dev libevent-dev libjansson-dev libicu-dev libical-dev libinih-dev libssl-dev \
             libsmartcols-dev libcurl4-openssl-dev libsystemd-dev ca-certificates postgresql-15
# For the manual pages, and for the tests: another compiler, another shell, a pager, and what the units say, applied.
PACKAGES  += scdoc mandoc clang libcmocka-dev libseccomp-dev systemd zsh less jq
# With libsystemd where it is; `make SYSTEMD=` does without.
SYSTEMD   ?= $(shell pkg-config --exists libsystemd && echo libsystemd)
LIBRARIES := $(SYSTEMD) libpq libevent_core libevent_extra jansson icu-uc icu-i18n libical inih libcrypto smartcols libcurl

CFLAGS    := -std=c17 -D_GNU_SOURCE -DTRACKTWO_VERSION='"$(VERSION)"' $(OPTIMIZE) -g -fno-omit-frame-pointer $(SANITIZE) -Iinclude \
             $(if $(SYSTEMD),-DTRACKTWO_SYSTEMD) \
             -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
# Library headers are system headers: their warnings are not ours.
CPPFLAGS  := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)) -MMD -MP
LDLIBS    := $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null)

SOURCES   := $(wildcard src/*/*.c)
OBJECTS   := $(SOURCES:%.c=$(BUILD)/%.o)
ROOMS     := $(filter-out $(BUILD)/src/daemon/%,$(OBJECTS))
SQL       := $(sort $(wildcard sql/migrations/*.sql)) $(sort $(wildcard sql/api/*.sql))
# The command line links the rows, not what carries them out.
CLIENT    := $(filter $(BUILD)/src/base/% $(BUILD)/src/text/% $(BUILD)/src/api/% $(BUILD)/src/cli/%,$(OBJECTS)) \
             $(patsubst %,$(BUILD)/src/rpc/%.o,type type_basic reference method error)

FAULT_TESTS       := $(patsubst tests/faults/%.c,$(BUILD)/tests/faults/%,$(wildcard tests/faults/test_*.c))
UNIT_TESTS        := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
INTEGRATION_TESTS := $(patsubst tests/integration/%.c,$(BUILD)/tests/integration/%,$(wildcard tests/integration/test_*.c))
UNIT_HELP         := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
HARNESS           := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/integration/test_%,$(wildcard tests/integration/*.c)))

.PHONY: all deps run test check check-floors check-warnings built objects test-unit test-integration test-sanitized \
        deps-faults test-faults deps-clients test-clients deps-recurrence test-recurrence bench \
        deps-bench bench-reminders man install uninstall test-install test-service clean help format FORCE
.SECONDARY:

all: $(BUILD)/tracktwod $(BUILD)/tracktwo

help:
	@echo 'make run    install what is missing, build, start, and show the main job'
	@echo 'make test   prove it: floors, warnings, unit and integration tests, plain and sanitized'
	@echo 'make all    build/tracktwod and build/tracktwo'
	@echo 'make check  the quick part of make test: floors, unit tests, manual pages, installation'
	@echo 'make check-floors, check-warnings, test-unit, test-integration, test-sanitized, test-install  its parts'
	@echo 'make deps   install the packages that the rest needs'
	@echo 'make format  every file as .clang-format says'
	@echo 'make test-clients  other people'\''s clients and calendars against a real daemon; needs the network once'
	@echo 'make test-recurrence  10,000 random rules against python3-dateutil; RECURRENCE_SEED=…, RECURRENCE_RULES=…'
	@echo 'make test-faults  hostile clients, daemons killed while they deliver, clocks that jump; ten minutes'
	@echo 'make bench  how fast it is beside pgbench, in about five minutes; SIZE=… engagements, ONLY=… one row'
	@echo 'make bench-reminders  reminders beside graphile-worker and pg-boss, in about eight minutes; needs the network once'
	@echo 'make man    the manual pages, checked'
	@echo 'make install, make uninstall  DESTDIR=… prefix=/usr/local sysconfdir=/etc'
	@echo 'make test-service  the installed daemon under a real systemd, booted in a container; as root'
	@echo 'make clean  remove build/ (never .run/, which holds data)'

# What is missing is installed; elsewhere than on Debian the list is printed.
deps:
	@missing=; for package in $(PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	[ -z "$$missing" ] && exit 0; \
	if ! command -v apt-get >/dev/null; then \
		echo 'This is no Debian-like system. Install what these Debian packages hold, then run make again:'; \
		echo "   $(PACKAGES)"; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; else \
		echo "Missing, and there is no sudo: ask an administrator to run"; echo "   apt-get install$$missing"; exit 1; fi; \
	echo "Installing:$$missing"; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null

# In a second make: the libraries' flags are known only once the libraries are there.
run: deps
	@$(MAKE) --no-print-directory all
	@sh config/run.sh $(BUILD)

test: deps
	@$(MAKE) --no-print-directory -j$(JOBS) built
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory check-warnings
	@$(MAKE) --no-print-directory test-integration
	@$(MAKE) --no-print-directory test-sanitized
	@echo 'All tests passed.'

check: check-floors test-unit man test-install

# Every #include points down, or sideways without a loop; and each room includes only the libraries that are its own.
check-floors:
	@sh tests/floors.sh

# The other compiler, all warnings, objects only.
check-warnings:
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=build/clang CC=clang objects
	@$(MAKE) --no-print-directory BUILD=build/bare SYSTEMD= build/bare/src/daemon/service.o

built: all $(UNIT_TESTS) $(INTEGRATION_TESTS)

objects: $(OBJECTS) $(BUILD)/src/tracktwod.o $(BUILD)/src/tracktwo.o

test-unit: $(UNIT_TESTS)
	@sh tests/run.sh $(BUILD)/log/unit $(UNIT_TESTS)

test-integration: all $(INTEGRATION_TESTS)
	@sh tests/integration/run.sh $(BUILD) $(INTEGRATION_TESTS)

test-sanitized:
	@$(MAKE) --no-print-directory $(SANITIZED) -j$(JOBS) built
	@$(MAKE) --no-print-directory $(SANITIZED) test-unit test-integration

# Apart from `make test`: it needs a package that nothing else does, and time.
deps-faults:
	@$(MAKE) --no-print-directory deps PACKAGES=faketime

test-faults: deps deps-faults
	@$(MAKE) --no-print-directory all $(BUILD)/tests/integration/test_besieged $(FAULT_TESTS)
	@TRACKTWO_FAULTS=1 timeout 120 $(BUILD)/tests/integration/test_besieged
	@timeout 480 $(BUILD)/tests/faults/test_killed
	@timeout 480 $(BUILD)/tests/faults/test_clock

# Apart from `make test`: it needs node, and npm's registry once.
deps-clients:
	@sh tests/clients/deps.sh

test-clients: deps deps-clients
	@$(MAKE) --no-print-directory all $(BUILD)/tests/clients/deliver
	@sh tests/clients/run.sh $(BUILD)

# Apart from `make test`: it needs a package that nothing else does.
deps-recurrence:
	@/usr/bin/python3 -c 'import dateutil' 2>/dev/null || $(MAKE) --no-print-directory deps PACKAGES=python3-dateutil

test-recurrence: deps deps-recurrence
	@$(MAKE) --no-print-directory $(BUILD)/tests/recurrence/expand
	@timeout 900 /usr/bin/python3 tests/recurrence/compare.py $(BUILD)/tests/recurrence/expand

# Not part of make test: a figure of a busy machine proves nothing.
bench: all $(BUILD)/tests/bench/load
	@sh tests/bench/bench.sh $(BUILD)

deps-bench: deps-clients
	@cd tests/bench && { cmp -s package-lock.json node_modules/.installed || { \
		npm ci --no-audit --no-fund --ignore-scripts --silent && cp package-lock.json node_modules/.installed; }; }

bench-reminders: deps deps-bench
	@$(MAKE) --no-print-directory all $(BUILD)/tests/bench/load
	@sh tests/bench/reminders.sh $(BUILD)

# Committed, so that it can be read where nothing is built; a unit test compares.
config/tracktwo.conf: $(BUILD)/tracktwod
	@$(BUILD)/tracktwod --describe=config > $@.new && mv $@.new $@

man: $(BUILD)/tracktwo.1 $(BUILD)/tracktwo.conf.5 $(BUILD)/tracktwod.8
$(BUILD)/tracktwo.1: $(BUILD)/tracktwo
$(BUILD)/tracktwo.conf.5 $(BUILD)/tracktwod.8: $(BUILD)/tracktwod
$(BUILD)/tracktwo.1: DESCRIBE = man
$(BUILD)/tracktwo.conf.5: DESCRIBE = config-man
$(BUILD)/tracktwod.8: DESCRIBE = man
$(BUILD)/tracktwo.1 $(BUILD)/tracktwo.conf.5 $(BUILD)/tracktwod.8:
	@$< --describe=$(DESCRIBE) | scdoc > $@.new
	@# scdoc writes paragraph macros that stand for nothing; all else must be clean.
	@! mandoc -Tlint -W warning $@.new | grep -v 'skipping paragraph macro'
	@mv $@.new $@

# Staged by a distribution: make install DESTDIR=… prefix=/usr
prefix     ?= /usr/local
sysconfdir ?= /etc
DESTDIR    ?=
INSTALL    := DESTDIR='$(DESTDIR)' prefix='$(prefix)' sysconfdir='$(sysconfdir)' UNITS='$(SYSTEMD)' sh config/install.sh

install: all man
	@$(INSTALL) install $(BUILD)

uninstall:
	@$(INSTALL) uninstall $(BUILD)

test-install: all man
	@sh tests/service/install.sh $(BUILD)

# Apart from `make test`: it boots a real systemd in a container, which not every machine allows; it says why then.
test-service: deps
	@$(MAKE) --no-print-directory deps PACKAGES=systemd-container
	@$(MAKE) --no-print-directory test-install $(BUILD)/tests/integration/test_service
	@timeout 300 $(BUILD)/tests/integration/test_service
	@sh tests/service/boot.sh $(BUILD)

# As .clang-format says.
format:
	@clang-format -i $(wildcard src/*.c src/*/*.[ch] include/*/*.h tests/*/*.[ch])

clean:
	rm -rf build

# Rewritten when the flags or the lists of files change, which no time stamp of a file tells.
STAMP     := $(CC) $(CFLAGS) $(CPPFLAGS) $(LDLIBS) $(SOURCES) $(SQL)
$(BUILD)/stamp: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(STAMP))' | cmp -s - $@ || echo '$(subst ','\'',$(STAMP))' > $@
FORCE:

# Both kinds of SQL, compiled in as bytes.
$(BUILD)/embedded_sql.c: $(SQL) $(BUILD)/stamp
	@mkdir -p $(@D)
	@{ echo '#include "io/migrate.h"'; n=0; \
	for file in $(SQL); do n=$$((n + 1)); \
		echo "static const char text_$$n[] = {"; \
		od -An -v -tu1 $$file | sed 's/  *\([0-9][0-9]*\)/(char)\1,/g'; echo '0};'; done; \
	n=0; for kind in migrations api; do \
		echo "const struct migrate_file migrate_$$kind[] = {"; \
		for file in $(SQL); do case $$file in sql/$$kind/*) \
			n=$$((n + 1)); echo "{\"$${file##*/}\", text_$$n},";; esac; done; \
		echo '{0, 0}};'; done; } > $@.new && mv $@.new $@

# An archive, so that a test may bring migrations of its own instead.
$(BUILD)/embedded_sql.a: $(BUILD)/embedded_sql.c
	@$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $(@:.a=.o) $<
	@rm -f $@ && ar rcs $@ $(@:.a=.o)

$(BUILD)/%.o: %.c $(BUILD)/stamp
	@mkdir -p $(@D)
	@echo '  CC  $<'
	@$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(BUILD)/tracktwod: $(BUILD)/src/tracktwod.o $(filter-out $(BUILD)/src/cli/%,$(OBJECTS)) $(BUILD)/embedded_sql.a
	@echo '  LD  $@'
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tracktwo: $(BUILD)/src/tracktwo.o $(CLIENT)
	@echo '  LD  $@'
	@$(CC) $(CFLAGS) -o $@ $^ $(shell pkg-config --libs jansson icu-uc icu-i18n libical inih libcrypto smartcols)

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(UNIT_HELP) $(ROOMS) $(BUILD)/embedded_sql.a
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(BUILD)/tests/integration/%: $(BUILD)/tests/integration/%.o $(HARNESS) $(ROOMS) $(BUILD)/embedded_sql.a
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS) -lcmocka -lseccomp

# Where libfaketime lies on this machine.
$(BUILD)/tests/faults/test_clock.o: CPPFLAGS += -DFAKETIME_FOLDER='"$(shell $(CC) -print-multiarch)"'

$(BUILD)/tests/faults/%: $(BUILD)/tests/faults/%.o $(HARNESS) $(ROOMS) $(BUILD)/embedded_sql.a
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS) -lcmocka -lseccomp

$(BUILD)/tests/clients/%: $(BUILD)/tests/clients/%.o $(ROOMS) $(BUILD)/embedded_sql.a
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/recurrence/expand: $(BUILD)/tests/recurrence/expand.o $(filter $(BUILD)/src/base/% $(BUILD)/src/text/%,$(OBJECTS))
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/bench/load: $(BUILD)/tests/bench/load.o
	@$(CC) $(CFLAGS) -o $@ $^

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
