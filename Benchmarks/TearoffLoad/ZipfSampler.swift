import Foundation

/// Draws ranks from 0 with weights (rank + 1)^-exponent, in constant time and memory.
///
/// - Source: W. Hörmann, G. Derflinger, "Rejection-inversion to generate variates from monotone discrete
///   distributions", 1996.
struct ZipfSampler: Sendable {
    private let count: Double
    private let exponent: Double
    private let integralAtStart: Double
    private let integralAtEnd: Double
    private let shortcut: Double

    /// - Precondition: both above 0.
    init(count: UInt64, exponent: Double) {
        precondition(count > 0 && exponent > 0, "\(count) users, exponent \(exponent)")
        self.count = Double(count)
        self.exponent = exponent
        integralAtStart = Self.integral(1.5, exponent) - 1
        integralAtEnd = Self.integral(Double(count) + 0.5, exponent)
        shortcut = 2 - Self.inverse(Self.integral(2.5, exponent) - Self.weight(2, exponent), exponent)
    }

    /// - Returns: a number below `count`.
    func sample(_ random: inout LoadRandom) -> UInt64 {
        while true {
            let area = integralAtEnd + random.unit() * (integralAtStart - integralAtEnd)
            let point = Self.inverse(area, exponent)
            let rank = min(max(point.rounded(), 1), count)
            let isAccepted =
                rank - point <= shortcut
                || area >= Self.integral(rank + 0.5, exponent) - Self.weight(rank, exponent)
            if isAccepted { return UInt64(rank) - 1 }
        }
    }

    private static func weight(_ point: Double, _ exponent: Double) -> Double { exp(-exponent * log(point)) }

    /// Of the weight, from 1 to `point`.
    private static func integral(_ point: Double, _ exponent: Double) -> Double {
        let logarithm = log(point)
        return expm1Ratio((1 - exponent) * logarithm) * logarithm
    }

    private static func inverse(_ area: Double, _ exponent: Double) -> Double {
        // Rounding may take it below where the logarithm ends.
        let scaled = max(area * (1 - exponent), -1)
        return exp(log1pRatio(scaled) * area)
    }

    /// (e^x - 1) / x, which is 1 at 0.
    private static func expm1Ratio(_ point: Double) -> Double {
        abs(point) > 1e-8 ? expm1(point) / point : 1 + point / 2
    }

    /// log(1 + x) / x, which is 1 at 0.
    private static func log1pRatio(_ point: Double) -> Double {
        abs(point) > 1e-8 ? log1p(point) / point : 1 - point / 2
    }
}
