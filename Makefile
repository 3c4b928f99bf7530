# A thin layer over meson: `make run` and `make test` are all that a fresh Debian 12 needs.
# Every target installs the packages it lacks (tests/tools/packages.txt), as root or with sudo.

packages = @tests/tools/packages.sh
# $(call setup,folder,options): configures a build folder that does not exist yet
setup = @test -f $(1)/build.ninja || meson setup $(1) $(2)

help:
	@echo "make run      build and open the explorer (ARGS=... are passed on)"
	@echo "make test     build and run every test, without a display"
	@echo "make bench    measure the engine"
	@echo "make asan     engine, fuzzers and window under address and undefined-behaviour sanitizers"
	@echo "make tsan     the engine's threaded parts under the thread sanitizer"
	@echo "make format   format the sources"
	@echo "make install  build and install into /usr/local (DESTDIR is honoured)"
	@echo "make clean    remove everything that was built"

build:
	$(packages) build run data
	$(call setup,build)
	@ninja -C build

run: build
	@exec build/app/limen $(ARGS)

test:
	$(packages) build run data test
	$(call setup,build-test,--werror)
	@ninja -C build-test
	@tests/tools/run-tests.py build-test

bench: build
	$(packages) bench
	@meson test -C build --benchmark --verbose

# Sanitizers slow the code down by an order of magnitude, hence the longer time limits; and they
# make gcc see null pointers where there are none, hence no -Werror. Freed memory that the address
# sanitizer holds back counts in the fuzzers' bound on memory: how much of it there is must not depend
# on how fast the machine is. Readers that train with what they read do a tenth of the runs. The window
# is not asked about leaks: fontconfig, Pango and GTK keep what they have.
asan:
	$(packages) build run data test
	$(call setup,build-asan,-Doptimization=2 -Db_lundef=false \
	    -Db_sanitize=address$(comma)undefined)
	@ninja -C build-asan
	@LIMEN_FUZZ_RUNS=100000 ASAN_OPTIONS=quarantine_size_mb=64 \
	    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	    tests/tools/run-tests.py build-asan --suite engine -t 20
	@ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=64 \
	    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	    tests/tools/run-tests.py build-asan --suite gui -t 10

tsan:
	$(packages) build data test
	$(call setup,build-tsan,-Dgui=false -Doptimization=2 -Db_lundef=false \
	    -Db_sanitize=thread)
	@ninja -C build-tsan
	@tests/tools/run-tests.py build-tsan -t 10 \
	    --suite base --suite kernels --suite train --suite jobs --suite threads

format:
	$(packages) format
	@find engine ui app tests -name '*.[ch]' -exec clang-format -i {} +

install: build
	@meson install -C build --no-rebuild

clean:
	rm -rf build build-test build-asan build-tsan

comma = ,
.PHONY: help build run test bench asan tsan format install clean
