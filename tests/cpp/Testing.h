#ifndef GENMD_TESTING_H_
#define GENMD_TESTING_H_

#include "openmm/OpenMMException.h"
#include "openmm/internal/AssertionUtilities.h"
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

/** Fail unless a function throws an exception whose message contains a text. */
inline void assertThrows(const std::string& text, const std::function<void()>& function) {
    std::string message = "(nothing was thrown)";
    try {
        function();
    } catch (const std::exception& exception) {
        message = exception.what();
    }
    if (message.find(text) == std::string::npos)
        throw OpenMM::OpenMMException("expected an error with \"" + text + "\", got \"" + message + "\"");
}

/** While it exists, what is allocated may be leaked. */
class LeakDetectionOff {
public:
    LeakDetectionOff() {
#if defined(__SANITIZE_ADDRESS__)
        __lsan_disable();
#endif
    }
    ~LeakDetectionOff() {
#if defined(__SANITIZE_ADDRESS__)
        __lsan_enable();
#endif
    }
};

/** Run tests; returns the exit status. */
inline int runTests(const std::function<void()>& tests) {
    try {
        tests();
    } catch (const std::exception& exception) {
        std::cout << "exception: " << exception.what() << std::endl;
        std::cout << "FAIL - ERROR.  Test failed." << std::endl;
        return 1;
    }
    std::cout << "Done" << std::endl;
    return 0;
}

#endif /*GENMD_TESTING_H_*/
